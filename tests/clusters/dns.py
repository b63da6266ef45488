"""DNS for the pods of tests/clusters/node: the addresses of the cluster's Services, and that no other name exists.

usage: dns.py ADDRESS FOLDER     FOLDER has ca.pem, admin.crt and admin.key of the control plane
"""
import json
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.request

NO_SUCH_NAME = 3
addresses = {}


def follow_services(folder):
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    context.load_cert_chain(f"{folder}/admin.crt", f"{folder}/admin.key")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    while True:
        try:
            for service in json.load(opener.open("https://127.0.0.1:6443/api/v1/services"))["items"]:
                meta, address = service["metadata"], service["spec"].get("clusterIP")
                if address and address != "None":
                    addresses[f"{meta['name']}.{meta['namespace']}.svc.cluster.local"] = address
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
        time.sleep(1)


def answer(question):
    """RFC 1035: the question's header and name, with one address or none."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1:at + 1 + length].decode())
        at += 1 + length
    kind, = struct.unpack(">H", question[at + 1:at + 3])
    address = addresses.get(".".join(labels).lower())
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 5, 4) + socket.inet_aton(address) if address and kind == 1 else b""
    flags = 0x8580 | (0 if address else NO_SUCH_NAME)
    return question[:2] + struct.pack(">HHHHH", flags, 1, bool(record), 0, 0) + question[12:at + 5] + record


def main(address, folder):
    threading.Thread(target=follow_services, args=[folder], daemon=True).start()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        question, client = server.recvfrom(2000)
        server.sendto(answer(question), client)


main(*sys.argv[1:])
