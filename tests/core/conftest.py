"""How hypothesis searches: the same examples every time, however busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("core", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("core")
