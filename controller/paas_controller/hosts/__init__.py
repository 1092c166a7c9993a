"""How a host is reached: the registry, joining, the agents' reports, the orders to them.

What is made of a report is not decided here: `ReportSink` is declared here and implemented by a room above.
"""
