"""The demo conversation: a long answer, interrupted by voice, and links that are replaced meanwhile.

The user's utterances in `utterances/` were made with espeak-ng and sox:

    say() { espeak-ng -v en-us -s 150 --stdout "$2" | sox -D - -r 16000 -c 1 -b 16 "$1" \\
        silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse pad 0 0.05 norm -3; }
    say lighthouse.wav "Hello. Please tell me a story about a lighthouse keeper."
    say name.wav "Wait, stop. What was the name of the keeper?"
    say boat.wav "Thank you. And what happened to the boat?"
    say go_on.wav "Yes, please go on."
"""

from segue.demo.conversation import UTTERANCES, DemoOutcome, converse

__all__ = ["UTTERANCES", "DemoOutcome", "converse"]
