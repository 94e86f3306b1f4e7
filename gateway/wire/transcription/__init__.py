"""Speech to text: OpenAI's `audio/transcriptions`, and what Deepgram and AssemblyAI have in its place.

`wish.py` is what a client asks, `transcript.py` what it gets, in OpenAI's five shapes. A module for each vendor puts
the one into the vendor's words and reads the other. Source of the vendors' shapes: docs/protocol-notes.md, Speech.
"""
