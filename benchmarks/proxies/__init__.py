"""Proxies side by side: the machine behind them, how each is started, the loads they are asked, the page."""
