"""What keeps a conversation from beginning."""


class TalkError(Exception):
    """Something that the person at the terminal can put right: a file, a device, an option. The message says how."""
