"""Small programs that the chapters run inside machines; each is one file of standard library."""
