"""The app behind a real server, on a free port of this machine."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

from werkzeug.serving import make_server

from consent_service.app import create_app
from consent_service.storage.db import db


@contextmanager
def serve(settings):
    """Runs an app; `app` and `issuer`, the address it is at."""
    server = make_server("127.0.0.1", 0, None, threaded=True)  # the port first, then the app
    issuer = f"http://127.0.0.1:{server.server_port}"
    server.app = create_app(settings.model_copy(update={"base_url": issuer}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield SimpleNamespace(app=server.app, issuer=issuer)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with server.app.app_context():
            db.engine.dispose()
