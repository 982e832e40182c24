"""One router per resource."""

GET = ["GET", "HEAD"]
"""The methods of every route; the server leaves out the body of a HEAD answer."""
