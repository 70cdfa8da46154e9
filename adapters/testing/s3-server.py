"""S3 of moto on a free port, one request at a time. It checks every signature by botocore's own code, and lets pages of other
origins use one bucket.

Prints one line of JSON: the port, a user's key, and temporary credentials.
"""

import json
import os

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "4"
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "unused"

from flask import request
from flask_cors import CORS
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends
from werkzeug.serving import make_server

ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}

iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
iam.create_user("us-east-1", "writer")
iam.put_user_policy("writer", "all", json.dumps(ALL))
key = iam.create_access_key("writer")

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
iam.create_role("visitor", json.dumps(TRUST), "/", None, "", [], None)
iam.put_role_policy("visitor", "all", json.dumps(ALL))
arn = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/visitor"
lent = sts_backends[DEFAULT_ACCOUNT_ID]["aws"].assume_role("us-east-1", "test", arn, "", 3600, "")

s3 = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
s3.create_bucket("models", "us-east-1")
s3.create_bucket("closed", "us-east-1")


def open_to_pages(service):
    """The rule for pages that the source of s3Store asks for, on one bucket; moto's own rules leave out answers that are errors."""
    app = create_backend_app(service)
    CORS(app, resources=r"/models.*", expose_headers=["ETag", "Content-Range"])
    app.before_request(lambda: ("", 204) if request.method == "OPTIONS" else None)
    return app


server = make_server(
    "127.0.0.1", 0, DomainDispatcherApplication(open_to_pages), threaded=False, request_handler=MotoRequestHandler
)
print(
    json.dumps(
        {
            "port": server.server_port,
            "user": {"accessKeyId": key.access_key_id, "secretAccessKey": key.secret_access_key},
            "role": {
                "accessKeyId": lent.access_key_id,
                "secretAccessKey": lent.secret_access_key,
                "sessionToken": lent.session_token,
            },
        }
    ),
    flush=True,
)
server.serve_forever()
