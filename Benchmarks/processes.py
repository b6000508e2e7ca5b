"""Starts, times and looks into the processes that are measured. Linux, standard library only."""

import http.client
import json
import os
import resource
import signal
import socket
import ssl
import struct
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A process did not do what the measurement rests on."""


def run(*command):
    """Runs a command to its end and returns its standard output; a failure shows its standard error."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def timed(*command):
    """Runs a command; returns (wall seconds, CPU seconds with its children, standard output)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    output = run(*command)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, output


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what, every=0.05):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(every)


def write_model(path, size):
    """A sound safetensors file of exactly `size` bytes, its one tensor random."""
    header_bytes = 120
    tensor = size - 8 - header_bytes
    header = json.dumps({"w": {"dtype": "U8", "shape": [tensor], "data_offsets": [0, tensor]}})
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", header_bytes) + header.ljust(header_bytes).encode())
        while tensor > 0:
            tensor -= file.write(os.urandom(min(tensor, 4 << 20)))


class Server:
    """A server process that answers at a port of this machine."""

    def __init__(self, command, port, ready_path, log, seconds=60, scheme="http"):
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.port = port
        began = time.perf_counter()
        with open(log, "w") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            wait_until(lambda: self.answers(ready_path), seconds, f"{command[0]} (see {log})", every=0.002)
        except Failure:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - began

    def answers(self, path):
        if self.process.poll() is not None:
            raise Failure(f"the server at {self.url} ended with code {self.process.returncode}")
        if self.url.startswith("https"):
            # A certificate of its own authority; that it is the right one is the nodes' business.
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def cpu_seconds(self):
        """User and system time so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, field):
        """MiB of a field of /proc/PID/status: VmRSS now, VmHWM at its highest."""
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
        raise Failure(f"no {field}")

    def forget_peak(self):
        """VmHWM begins again from here."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")


class Waggle(Server):
    """`waggle serve` on a home, and commands that talk to it."""

    def __init__(self, binary, home, seconds=60, arguments=(), settings=None):
        self.binary, self.home = binary, home
        port = free_port()
        command = [binary, "serve", "--home", home, "--listen", f"127.0.0.1:{port}", *arguments]
        if settings:
            os.makedirs(home, mode=0o700, exist_ok=True)
            with open(f"{home}/waggle.toml", "w") as file:
                file.writelines(f'{name} = "{value}"\n' for name, value in settings.items())
        scheme = "https" if "tls.certificate" in (settings or {}) else "http"
        super().__init__(command, port, "/w/1/node", home + ".log", seconds, scheme)

    def command(self, *arguments):
        return [self.binary, *arguments, "--home", self.home]

    def json(self, *arguments):
        return json.loads(run(*self.command(*arguments, "--json")))

    def wait_until_applied(self, seconds=600):
        def is_applied():
            status = self.json("status")
            return status["appliedLines"] == status["logLines"]

        wait_until(is_applied, seconds, "the catalog follows the log", every=0.2)

    def knows(self, reference):
        return subprocess.run(self.command("show", reference), capture_output=True).returncode == 0


class Nginx(Server):
    """nginx with sendfile, serving a folder; its files and logs are in a folder of its own."""

    def __init__(self, folder, root):
        os.makedirs(folder)
        port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        places = " ".join(f"{name}_temp_path {folder}/{name};" for name in
                          ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        with open(f"{folder}/nginx.conf", "w") as file:
            file.write(f"""
daemon off; {user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    {places}
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port};
        location = /ready {{ return 200; }}
        location / {{ root {root}; }}
    }}
}}
""")
        binary = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
        command = [binary, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        super().__init__(command, port, "/ready", f"{folder}/output")
