"""Where official programs keep a sign-in that no file holds, and how its owner gets it out. Shown on the import page.

Source: facts/oauth_providers.md, "Import" of each provider.
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
            "macOS keeps it in the Keychain",
            "which only you can open: this prints it. With CLAUDE_CONFIG_DIR set, the name has a further ending.",
            'security find-generic-password -s "Claude Code-credentials" -w',
        ),
        Note(
            "CLAUDE_CODE_OAUTH_TOKEN, or nothing at all",
            "Make a token with “claude setup-token” and paste that.",
        ),
    ),
    "codex": (
        Note(
            "The macOS Keychain, where Codex is set up to use it",
            "This prints it.",
            'security find-generic-password -s "Codex Auth" -w',
        ),
        Note(
            "The key ring of a Linux desktop",
            "This prints it, where secret-tool is installed.",
            'secret-tool lookup service "Codex Auth"',
        ),
        Note(
            "Windows' Credential Manager",
            "It does not hand it out: sign in here instead.",
        ),
    ),
    "gemini-cli": (
        Note(
            "An encrypted file (GEMINI_FORCE_ENCRYPTED_FILE_STORAGE)",
            "Nobody but Gemini CLI can read it: unset the variable and sign in to Gemini CLI again, or sign in here.",
        ),
    ),
}
