"""Looks at a built write-up as its readers get it, in a browser, and says what would trouble them.

``python -m flylab.kit.sitecheck`` checks ``build/site``. What is asked of a page is in ``limits``; ``links`` reads the
files, ``look`` opens each page wide and narrow, light, dark and printed, where ``probe.js`` measures it.
"""
