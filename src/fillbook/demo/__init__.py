"""Six bots over 60 days on simulated markets, written as Hummingbot would have written them."""

from fillbook.demo.folder import demo_folder, write_demo

__all__ = ["demo_folder", "write_demo"]
