import openstack
import pytest
from openstack import exceptions

from conftest import FLAVORS, LB_ID, REFUSALS, WITHOUT_RESIZE
from reflavor_openstack import sdk


@pytest.fixture
def proxy(cloud):
    auth = {'endpoint': cloud.url, 'token': 'secret'}
    conn = openstack.connect(auth_type='admin_token', auth=auth, load_balancer_endpoint_override=f'{cloud.url}/v2.0')
    return sdk.add_resize(conn).load_balancer


def test_asks_for_the_flavor_and_returns_the_load_balancer(proxy, cloud):
    cloud.after = [{'provisioning_status': 'PENDING_UPDATE'}]
    lb = proxy.resize_load_balancer('web', 'large')
    assert (lb.id, lb.provisioning_status) == (LB_ID, 'PENDING_UPDATE')
    assert cloud.resizes() == [{'new_flavor_id': FLAVORS['large']}]


def test_takes_objects_of_openstacksdk(proxy, cloud):
    lb, flavor = proxy.get_load_balancer(LB_ID), proxy.get_flavor(FLAVORS['large'])
    sdk.resize_load_balancer(proxy, lb, flavor, force=True)
    assert cloud.resizes() == [{'new_flavor_id': FLAVORS['large'], 'force': True}]


def test_leaves_a_method_that_openstacksdk_has_alone(proxy):
    class Connection:
        load_balancer = proxy

    method = proxy.resize_load_balancer
    assert sdk.add_resize(Connection).load_balancer.resize_load_balancer is method


@pytest.mark.parametrize('answer', WITHOUT_RESIZE.values(), ids=WITHOUT_RESIZE)
def test_says_so_where_the_cloud_has_no_resize(proxy, cloud, answer):
    cloud.resize_answer = answer
    with pytest.raises(sdk.ResizeNotSupported, match='does not support resizing'):
        proxy.resize_load_balancer('web', 'large')


@pytest.mark.parametrize('answer', REFUSALS.values(), ids=REFUSALS)
def test_raises_what_openstacksdk_has_for_a_refusal(proxy, cloud, answer):
    status, body = cloud.resize_answer = answer
    kinds = {400: exceptions.BadRequestException, 403: exceptions.HttpException, 404: exceptions.NotFoundException, 409: exceptions.ConflictException}
    with pytest.raises(kinds[status]) as raised:
        proxy.resize_load_balancer('web', 'large')
    assert body['faultstring'] in str(raised.value)
    assert raised.value.status_code == status


@pytest.mark.parametrize(('lb', 'flavor'), [('nonesuch', 'large'), ('web', 'huge')])
def test_asks_for_nothing_where_a_name_is_unknown(proxy, cloud, lb, flavor):
    with pytest.raises(exceptions.NotFoundException):
        proxy.resize_load_balancer(lb, flavor)
    assert cloud.resizes() == []
