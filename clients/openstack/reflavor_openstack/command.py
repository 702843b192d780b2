"""The command ``openstack loadbalancer resize``, which python-octaviaclient finds by the entry point ``openstack.load_balancer.v2``."""

from octaviaclient.api.exceptions import OctaviaClientException
from octaviaclient.osc.v2 import utils
from osc_lib import exceptions
from osc_lib.command import command

from reflavor_openstack import protocol


class ResizeLoadBalancer(command.Command):
    """Resize a load balancer: change its flavor while it serves

    The flavor in force cancels a resize that is under way.
    """

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument('loadbalancer', metavar='<load_balancer>', help='Name or UUID of the load balancer.')
        parser.add_argument('--flavor', metavar='<flavor>', required=True, help='Name or UUID of the new flavor.')
        parser.add_argument('--wait', action='store_true', help='Wait for action to complete.')
        parser.add_argument(
            '--force',
            action='store_true',
            help='Resize although a GitOps tool owns the flavor and may write the old one back.',
        )
        return parser

    def take_action(self, parsed_args):
        client = self.app.client_manager.load_balancer
        lb_id = utils.get_resource_id(client.load_balancer_list, 'loadbalancers', parsed_args.loadbalancer)
        flavor_id = utils.get_resource_id(client.flavor_list, 'flavors', parsed_args.flavor)
        resize(client, lb_id, flavor_id, force=parsed_args.force)
        if parsed_args.wait:
            wait(client, lb_id, flavor_id, parsed_args.flavor)


def resize(client, lb_id, flavor_id, force=False):
    """Asks for it, over the session of python-octaviaclient's ``OctaviaAPI``.

    :raises CommandError: the cloud knows no resize
    :raises OctaviaClientException: the service refuses this one, and says why
    """
    response = client.session.put(
        client.endpoint + protocol.path(lb_id),
        json=protocol.body(flavor_id, force),
        headers=client.JSON_HEADER,
        raise_exc=False,
    )
    if response.ok:
        return
    if protocol.is_unsupported(response):
        raise exceptions.CommandError(protocol.unsupported(response))
    raise OctaviaClientException(
        code=response.status_code,
        message=protocol.fault_of(response) or response.reason,
        request_id=response.headers.get('x-openstack-request-id', 'n/a'),
    )


def wait(client, lb_id, flavor_id, flavor):
    """Waits until nothing is under way.

    :raises CommandError: it failed, or another flavor is in force at the end, since the resize was cancelled or superseded meanwhile
    """
    try:
        utils.wait_for_active(status_f=client.load_balancer_show, res_id=lb_id)
    except OctaviaClientException as error:
        if error.code != 'n/a':
            raise
        raise exceptions.CommandError(f'The resize to flavor {flavor} failed: the load balancer is in ERROR.') from error
    if client.load_balancer_show(lb_id)['flavor_id'] != flavor_id:
        raise exceptions.CommandError(f'The resize to flavor {flavor} was ended by another request: another flavor is in force.')
