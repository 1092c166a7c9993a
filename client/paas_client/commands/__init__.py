"""The commands of paasctl: arguments in, questions to the client, answers to `show`. No HTTP, no layout."""
