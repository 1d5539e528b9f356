"""JupyterLab as `make lab` starts it: this machine only, and nothing asked of the world."""

c = get_config()  # noqa: F821  # Jupyter puts it there
c.ServerApp.ip = "127.0.0.1"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
