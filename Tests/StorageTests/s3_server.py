"""Starts moto as an S3 server on a free port, with one user and one bucket; every request must be signed.

Prints `PORT KEY-ID SECRET` and runs until its standard input is closed.
"""
import os
import socket
import subprocess
import sys
import time

import boto3

# Until a user exists nobody can sign: these many requests may come unsigned.
SETUP_REQUESTS = "3"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port, server):
    for _ in range(600):
        if server.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def main():
    port = free_port()
    server = subprocess.Popen(
        [os.path.join(os.path.dirname(sys.executable), "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        env=dict(os.environ, INITIAL_NO_AUTH_ACTION_COUNT=SETUP_REQUESTS),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not answers(port, server):
            sys.exit("moto_server did not start")
        place = dict(endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")
        iam = boto3.client("iam", aws_access_key_id="none", aws_secret_access_key="none", **place)
        iam.create_user(UserName="millrace")
        key = iam.create_access_key(UserName="millrace")["AccessKey"]
        iam.put_user_policy(
            UserName="millrace", PolicyName="all",
            PolicyDocument='{"Version": "2012-10-17", "Statement": '
                           '[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}')
        signed = dict(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
        boto3.client("s3", **signed, **place).create_bucket(Bucket="blobs")
        print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
        sys.stdin.read()
    finally:
        server.kill()
        server.wait()


main()
