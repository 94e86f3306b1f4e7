"""Backups: one kind of file, an SQLite database, whatever database the gateway runs on.

tables      which rows are in it
writing     the database -> a file            archive    a file without credentials, to share
checking    is a file fit to be taken over?   shelf      the files that are kept in DATA_DIR
restoring   a file -> the database            older      files of the older OmniRoute
taking      the flow: check, keep what was there, replace
"""
