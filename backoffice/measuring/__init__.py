"""Figures of a running site, as Prometheus asks for them: nobody's, unless METRICS_TOKEN or METRICS_NETWORKS is set."""
