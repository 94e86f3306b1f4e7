"""Where official programs keep a sign-in that no file holds, and how its owner gets it out. Shown on the import page.

Source: docs/protocol-notes.md, Subscriptions.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    where: str
    advice: str
    command: str = ""
    """Prints what is to be pasted."""


NOTES: dict[str, tuple[Note, ...]] = {
    "claude": (
        Note(
            "In the Keychain of a Mac",
            "A terminal there prints it with this. With CLAUDE_CONFIG_DIR set, the name has a further ending.",
            'security find-generic-password -s "Claude Code-credentials" -w',
        ),
        Note(
            "In CLAUDE_CODE_OAUTH_TOKEN, or nowhere",
            "“claude setup-token” makes a token to paste.",
        ),
    ),
    "codex": (
        Note(
            "In the Keychain of a Mac, where Codex is told to use it",
            "A terminal there prints it with this.",
            'security find-generic-password -s "Codex Auth" -w',
        ),
        Note(
            "In the key ring of a Linux desktop",
            "A terminal there prints it with this, where secret-tool is installed.",
            'secret-tool lookup service "Codex Auth"',
        ),
        Note(
            "In Windows' Credential Manager",
            "It hands nothing out: sign in here instead.",
        ),
    ),
    "gemini-cli": (
        Note(
            "In an encrypted file (GEMINI_FORCE_ENCRYPTED_FILE_STORAGE)",
            "Gemini CLI alone can read it. Unset the variable and sign in to Gemini CLI again, or sign in here.",
        ),
    ),
}
