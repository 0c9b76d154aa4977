"""Many processes, one page: each worker leaves its last values in a folder, any page reads them all.

``worker_file.py`` writes one file a process, ``folder.py`` reads all of them, ``merge.py`` adds them
up, ``folding.py`` turns the files of ended processes into one, ``spool.py`` joins these to a page.
"""
