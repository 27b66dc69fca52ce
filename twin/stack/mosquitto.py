"""The files of the stack's mosquitto as text: configuration, access list, passwords. TLS only, nobody unnamed.

Everyone's MQTT client id is the user's name (`use_username_as_clientid`): else any endpoint could end the twin's
session and take its queue by connecting under its id.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from twin.bus.broker import IN_FLIGHT, PACKET_BYTES, QUEUED, QUEUED_BYTES, password_is, password_line
from twin.stack.grants import HEALTH, Grant

PORT: Final = 8883
_SECRETS: Final = "/run/secrets"


def configuration() -> str:
    """mosquitto.conf, with the places that the files have in the container."""
    return f"""# Written by `twin stack prepare`; a change here is lost at the next run of it.
listener {PORT}
allow_anonymous false
use_username_as_clientid true
certfile {_SECRETS}/broker_certificate
keyfile {_SECRETS}/broker_key
tls_version tlsv1.2
password_file {_SECRETS}/broker_passwords
acl_file {_SECRETS}/broker_acl
set_tcp_nodelay true
persistence true
persistence_location /mosquitto/data/
autosave_interval 1
persistent_client_expiration 1d
max_inflight_messages {IN_FLIGHT}
max_queued_messages {QUEUED}
max_queued_bytes {QUEUED_BYTES}
max_packet_size {PACKET_BYTES}
sys_interval 5
log_dest stdout
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S%z
"""


def access_list(granted: Iterable[Grant]) -> str:
    """The access list: what is not written here is denied."""
    blocks = []
    for grant in granted:
        lines = [f"user {grant.user}"]
        lines += [f"topic write {topic}" for topic in grant.publish]
        lines += [f"topic read {topic}" for topic in grant.read]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def passwords(by_user: Mapping[str, str], *, before: str = "") -> str:
    """The password file: PBKDF2 with SHA-512 and a salt each. A line of `before` that still holds stays as it is."""
    known = {line.partition(":")[0]: line for line in before.splitlines() if line.count("$") == _DOLLARS}
    lines = []
    for user, password in by_user.items():
        line = known.get(user)
        lines.append(line if line is not None and password_is(line, password) else password_line(user, password))
    return "\n".join(lines) + "\n"


def health_client(password: str) -> str:
    """Options of the mosquitto_sub that checks the broker's health; from a file, for command lines are seen."""
    return (
        f"-h localhost\n-p {PORT}\n--cafile {_SECRETS}/broker_ca\n-u {HEALTH}\n-P {password}\n"
        "-t $SYS/broker/uptime\n-C 1\n-W 4\n"
    )


_DOLLARS: Final = 4  # user:$7$rounds$salt$hash
