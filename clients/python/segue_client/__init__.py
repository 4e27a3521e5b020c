"""Voice sessions with a Segue gateway.

async with segue_client.connect("localhost:50051", voice="Kore") as session:
    await session.send_text("Hello!")
    async for event in session:
        match event:
            case segue_client.Audio(pcm=pcm):
                play(pcm)
            case segue_client.TurnEnded():
                break
"""

from segue_client.connection import Connection, connect
from segue_client.errors import (
    AccessDeniedError,
    InputClosedError,
    SegueError,
    SessionError,
    StreamError,
    UnavailableError,
)
from segue_client.events import (
    Audio,
    Closed,
    Event,
    GoAway,
    Grounding,
    InputRejected,
    Interrupted,
    Notice,
    Opened,
    Resumed,
    Text,
    ToolCall,
    ToolCallCancelled,
    Totals,
    Transcript,
    TurnEnded,
    Usage,
    UserActivity,
)
from segue_client.segue.v1.open_session_pb2 import (
    AudioFormat,
    BargeIn,
    ContextCompression,
    Delivery,
    FirstTurn,
    FunctionDeclaration,
    HistoryTurn,
    NoiseGate,
    OpenSession,
    ResumeContext,
    ToolPolicy,
    Tools,
    TurnDetection,
)
from segue_client.session import Session

__all__ = [
    "AccessDeniedError",
    "Audio",
    "AudioFormat",
    "BargeIn",
    "Closed",
    "Connection",
    "ContextCompression",
    "Delivery",
    "Event",
    "FirstTurn",
    "FunctionDeclaration",
    "GoAway",
    "Grounding",
    "HistoryTurn",
    "InputClosedError",
    "InputRejected",
    "Interrupted",
    "NoiseGate",
    "Notice",
    "OpenSession",
    "Opened",
    "ResumeContext",
    "Resumed",
    "SegueError",
    "Session",
    "SessionError",
    "StreamError",
    "Text",
    "ToolCall",
    "ToolCallCancelled",
    "ToolPolicy",
    "Tools",
    "Totals",
    "Transcript",
    "TurnDetection",
    "TurnEnded",
    "UnavailableError",
    "Usage",
    "UserActivity",
    "connect",
]
