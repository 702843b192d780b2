"""A load balancing service on a free port of 127.0.0.1 that answers a resize as a test says, and remembers what it was asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

LB_ID = '5a1c6b1e-5b1f-4d47-9d3a-0c1f6b7c2d10'
FLAVORS = {'small': 'd0a1f7c2-3c5e-4d8b-8f4e-1b2c3d4e5f60', 'large': 'e1b2a8d3-4d6f-4e9c-9a5f-2c3d4e5f6a71'}


class Cloud:
    def __init__(self):
        self.requests = []
        self.resize_answer = (202, {})
        # What the load balancer says of itself from the resize on, one answer after the other, the last for ever.
        self.after = [{'provisioning_status': 'ACTIVE', 'flavor_id': FLAVORS['large']}]
        self.load_balancer = {'id': LB_ID, 'name': 'web', 'provisioning_status': 'ACTIVE', 'flavor_id': FLAVORS['small']}

    def answer(self, method, target, sent):
        url = urlsplit(target)
        self.requests.append((method, url.path, sent))
        if (method, url.path) == ('PUT', f'/v2.0/lbaas/loadbalancers/{LB_ID}/resize'):
            return self.resize_answer
        if method == 'GET' and url.path in ('/', '/v2.0'):
            links = [{'rel': 'self', 'href': f'{self.url}/v2.0'}]
            return 200, {'versions': [{'id': 'v2.0', 'status': 'CURRENT', 'links': links}]}
        if method == 'GET' and url.path == f'/v2.0/lbaas/loadbalancers/{LB_ID}':
            return 200, {'loadbalancer': self._now()}
        if method == 'GET' and url.path == '/v2.0/lbaas/loadbalancers':
            return 200, {'loadbalancers': self._matching([self.load_balancer], url.query)}
        flavors = [{'id': uuid, 'name': name, 'enabled': True} for name, uuid in FLAVORS.items()]
        if (method, url.path) == ('GET', '/v2.0/lbaas/flavors'):
            return 200, {'flavors': self._matching(flavors, url.query)}
        for flavor in flavors:
            if (method, url.path) == ('GET', f'/v2.0/lbaas/flavors/{flavor["id"]}'):
                return 200, {'flavor': flavor}
        return 404, '<html>404 Not Found</html>'

    def resizes(self):
        return [sent for method, path, sent in self.requests if method == 'PUT' and path.endswith('/resize')]

    def _now(self):
        if self.resizes():
            self.load_balancer |= self.after.pop(0) if len(self.after) > 1 else self.after[0]
        return self.load_balancer

    @staticmethod
    def _matching(items, query):
        wanted = {key: values[0] for key, values in parse_qs(query).items() if key in ('id', 'name')}
        return [item for item in items if all(item[key] == value for key, value in wanted.items())]


@pytest.fixture(scope='session')
def service():
    """One for all tests: the openstack command, run twice in a process, keeps to the first endpoint that it was given."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get('content-length') or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            status, body = self.server.cloud.answer(self.command, self.path, sent)
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header('content-type', 'text/html' if isinstance(body, str) else 'application/json')
            self.send_header('content-length', str(len(data)))
            self.send_header('x-openstack-request-id', 'req-1')
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def cloud(service):
    service.cloud = Cloud()
    service.cloud.url = f'http://127.0.0.1:{service.server_port}'
    yield service.cloud
    # On an Octavia that knows no resize this deletes the load balancer.
    assert 'DELETE' not in [method for method, _, _ in service.cloud.requests]


def fault(words, code='Client'):
    return {'faultcode': code, 'faultstring': words, 'debuginfo': None}


#: What services without a resize answer to it. The first is Octavia 11 and 19's, for any id.
WITHOUT_RESIZE = {
    'Octavia 19': (
        400,
        fault(
            "Invalid input for field/attribute load_balancer. Value: 'resize'. unable to convert to LoadBalancerRootPUT. "
            'Error: Load balancer root must be an object'
        ),
    ),
    'no such route': (404, '<html><h1>404 Not Found</h1></html>'),
    'no such method': (405, fault('Method not allowed')),
    'not implemented': (501, fault('Not implemented', 'Server')),
}

#: Answers about the request, or the load balancer.
REFUSALS = {
    'disabled flavor': (400, fault('The selected flavor is not allowed in this deployment: retired.')),
    'no such field': (400, fault("Invalid input for field/attribute new_flavor_id. Value: 'resize'. Not a UUID")),
    'another project': (403, fault('Policy does not allow this request to be performed.')),
    'gone meanwhile': (404, fault(f'Load balancer {LB_ID} not found.')),
    'owned by Git': (409, fault('The flavor of LoadBalancer default/web belongs to kustomize-controller')),
}
