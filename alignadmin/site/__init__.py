"""The shell around every page: navigation, errors, health, settings and installation pages."""
