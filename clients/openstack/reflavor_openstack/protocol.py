"""The call itself, as Octavia's resize proposal has it (specs/version15.0/resize.rst), free of any client.

A cancel is a resize to the flavor in force. There is no DELETE of a resize, and none may ever be sent: an Octavia that does not know the path
takes it for a DELETE of the load balancer.
"""


def path(load_balancer_id):
    """The path below the endpoint's ``/v2.0``."""
    return f'/lbaas/loadbalancers/{load_balancer_id}/resize'


def body(flavor_id, force=False):
    """The JSON of a request. ``force`` is sent only where it is wanted, since the proposal does not have it."""
    return {'new_flavor_id': flavor_id, **({'force': True} if force else {})}


def fault_of(response):
    """Octavia's words in an answer that is an error, or None where it has none."""
    try:
        fault = response.json()
    except ValueError:
        return None
    return fault.get('faultstring') if isinstance(fault, dict) else None


def is_unsupported(response):
    """Whether an answer means that the service knows no resize, rather than that it refuses this one.

    Octavia 11 and 19 take the word ``resize`` for an attribute of an update and answer 400. Others have no such route (404 without a fault of
    Octavia's: with one, it is the load balancer that is missing), or allow no PUT of it.
    """
    fault = fault_of(response)
    if response.status_code == 400:
        return fault is not None and 'field/attribute load_balancer' in fault and "Value: 'resize'" in fault
    return response.status_code in (405, 501) or (response.status_code == 404 and fault is None)


def unsupported(response):
    """What to tell somebody whose cloud knows no resize."""
    return (
        f'This load balancing service does not support resizing (HTTP {response.status_code}). Nothing was changed. '
        'There, a load balancer of another flavor has to be created beside this one.'
    )
