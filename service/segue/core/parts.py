"""What a session's line to the model is made of, put together."""

from collections.abc import Callable

from segue.core.actions import Action
from segue.core.calls import Calls
from segue.core.cuts import Cuts
from segue.core.downlink import Downlink
from segue.core.handover import Handover
from segue.core.links import Links
from segue.core.notes import Notes
from segue.core.options import Options
from segue.core.policy import Policy
from segue.core.profiles import profile_of
from segue.core.recall import Recall
from segue.core.setups import Instructions
from segue.core.uplink import Uplink
from segue.core.watchdog import Watchdog


class Parts:
    """The parts of one line, which know each other no further than they have to; see `Line` for the arguments."""

    def __init__(self, options: Options, policy: Policy, draw: Callable[[], float], actions: list[Action]) -> None:
        self.options = options
        self.policy = policy
        self.actions = actions
        self.profile = profile_of(options.model, policy.profiles)
        self.recall = Recall(options.initial_history)
        self.downlink = Downlink(options, actions, self.recall, runs_ahead=policy.transcripts_run_ahead)
        self.playback = self.downlink.playback
        self.evidence = self.downlink.evidence
        self.notes = Notes(policy.resume_context(options.resume_context), self.profile.note_slot, self.recall, actions)
        instructions = Instructions(options, self.profile, self.recall, self.notes, transparent=policy.transparent)
        self.instructions = instructions
        self.links = Links(self.profile, policy, instructions.setup, instructions.suffices, draw, actions)
        self.watchdog = Watchdog(self.profile)
        self.calls = Calls(options, wait=self.profile.calls_wait)
        turns = self.downlink.turns
        self.uplink = Uplink(options, self.profile, self.links, self.calls, self.playback, self.notes, actions)
        self.journal = self.uplink.journal
        self.handover = Handover(instructions, self.recall, turns, self.links, self.uplink)
        self.cuts = Cuts(self.playback, self.journal)
