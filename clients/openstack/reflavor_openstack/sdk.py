"""Resizing for openstacksdk: as a function, or as a method of ``conn.load_balancer``.

    conn = openstack.connect()
    reflavor_openstack.sdk.add_resize(conn)
    lb = conn.load_balancer.resize_load_balancer('web', 'large')
    conn.load_balancer.wait_for_load_balancer(lb.id)
"""

import types

from openstack import exceptions
from openstack.load_balancer.v2 import flavor as _flavor
from openstack.load_balancer.v2 import load_balancer as _load_balancer

from reflavor_openstack import protocol


class ResizeNotSupported(exceptions.NotSupported):
    """The cloud knows no resize; nothing was changed."""


def resize_load_balancer(proxy, load_balancer, flavor, *, force=False):
    """Changes the flavor of a load balancer while it serves.

    Returns as soon as that is accepted: ``wait_for_load_balancer`` waits for its end. The flavor in force cancels a resize that is under way.

    :param proxy: ``conn.load_balancer``
    :param load_balancer: its id, name or :class:`~openstack.load_balancer.v2.load_balancer.LoadBalancer`
    :param flavor: its id, name or :class:`~openstack.load_balancer.v2.flavor.Flavor`
    :param force: also where a GitOps tool owns the flavor and may write the old one back
    :returns: the load balancer as it is now, its ``provisioning_status`` PENDING_UPDATE
    :raises ResizeNotSupported: the cloud knows no resize
    :raises NotFoundException: no such load balancer or flavor
    :raises BadRequestException: the flavor can't be taken
    :raises ConflictException: nor in this state, or a GitOps tool owns the flavor
    """
    if not isinstance(load_balancer, _load_balancer.LoadBalancer):
        load_balancer = proxy.find_load_balancer(load_balancer, ignore_missing=False)
    if not isinstance(flavor, _flavor.Flavor):
        flavor = proxy.find_flavor(flavor, ignore_missing=False)
    response = proxy.put(protocol.path(load_balancer.id), json=protocol.body(flavor.id, force))
    if protocol.is_unsupported(response):
        raise ResizeNotSupported(protocol.unsupported(response))
    exceptions.raise_from_response(response, error_message=f'Failed to resize load balancer {load_balancer.id}')
    return proxy.get_load_balancer(load_balancer.id)


def add_resize(connection):
    """Gives ``connection.load_balancer`` the method, unless its openstacksdk has it already. Returns the connection."""
    proxy = connection.load_balancer
    if not hasattr(proxy, 'resize_load_balancer'):
        proxy.resize_load_balancer = types.MethodType(resize_load_balancer, proxy)
    return connection
