"""Signing in and out with allauth: passwords, second factors, single sign-on, sessions; each act is an audit entry."""
