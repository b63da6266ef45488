"""A listening socket, and the thread that accepts: for the servers that tests write themselves."""
import socket
import threading

THREAD = "listener"


class Listener:
    """Calls `serve(connection, index)` in a thread of its own for each connection; the first one's index is 1."""

    def __init__(self, serve, address=("127.0.0.1", 0), family=socket.AF_INET):
        self.serve, self.connections = serve, 0
        self.socket = socket.create_server(address, family=family, backlog=128)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, name=THREAD, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection, self.connections), daemon=True).start()

    def close(self):
        """The thread ends first. Closing alone leaves it in accept(): when the kernel restarts that call (the process
        was stopped and goes on), it takes connections of whatever listener has got the number of the closed one."""
        if self.socket.fileno() < 0:
            return
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
