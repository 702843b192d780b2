import pytest
from openstackclient import shell

from conftest import FLAVORS, LB_ID, REFUSALS, WITHOUT_RESIZE


@pytest.fixture
def openstack(cloud, capfd, monkeypatch):
    """The real command, in this process; returns its exit code and what it wrote."""
    monkeypatch.setattr('time.sleep', lambda _: None)

    def run(*args):
        auth = ['--os-auth-type', 'admin_token', '--os-endpoint', cloud.url, '--os-token', 'secret']
        code = shell.main([*auth, *args])
        out, err = capfd.readouterr()
        return code, out + err

    return run


def test_asks_for_the_flavor_by_its_id(openstack, cloud):
    code, said = openstack('loadbalancer', 'resize', '--flavor', 'large', 'web')
    assert (code, said) == (0, '')
    assert cloud.resizes() == [{'new_flavor_id': FLAVORS['large']}]


def test_takes_ids_of_both(openstack, cloud):
    assert openstack('loadbalancer', 'resize', '--flavor', FLAVORS['large'], LB_ID)[0] == 0
    assert cloud.resizes() == [{'new_flavor_id': FLAVORS['large']}]


def test_force_is_sent_where_it_is_given(openstack, cloud):
    assert openstack('loadbalancer', 'resize', '--flavor', 'large', '--force', 'web')[0] == 0
    assert cloud.resizes() == [{'new_flavor_id': FLAVORS['large'], 'force': True}]


def test_wait_ends_when_nothing_is_under_way(openstack, cloud):
    pending = {'provisioning_status': 'PENDING_UPDATE'}
    cloud.after = [pending, pending, {'provisioning_status': 'ACTIVE', 'flavor_id': FLAVORS['large']}]
    assert openstack('loadbalancer', 'resize', '--flavor', 'large', '--wait', 'web') == (0, '')
    assert len(cloud.after) == 1


@pytest.mark.parametrize(
    ('end', 'words'),
    [
        ({'provisioning_status': 'ERROR'}, 'The resize to flavor large failed'),
        ({'provisioning_status': 'ACTIVE', 'flavor_id': FLAVORS['small']}, 'ended by another request'),
    ],
    ids=['failed', 'cancelled by somebody else'],
)
def test_wait_fails_where_the_flavor_is_not_in_force_at_the_end(openstack, cloud, end, words):
    cloud.after = [{'provisioning_status': 'PENDING_UPDATE'}, end]
    code, said = openstack('loadbalancer', 'resize', '--flavor', 'large', '--wait', 'web')
    assert code == 1
    assert words in said


@pytest.mark.parametrize('answer', WITHOUT_RESIZE.values(), ids=WITHOUT_RESIZE)
def test_says_so_where_the_cloud_has_no_resize(openstack, cloud, answer):
    cloud.resize_answer = answer
    code, said = openstack('loadbalancer', 'resize', '--flavor', 'large', '--wait', 'web')
    assert code == 1
    assert f'does not support resizing (HTTP {answer[0]}). Nothing was changed.' in said


@pytest.mark.parametrize('answer', REFUSALS.values(), ids=REFUSALS)
def test_passes_on_why_it_was_refused(openstack, cloud, answer):
    cloud.resize_answer = answer
    code, said = openstack('loadbalancer', 'resize', '--flavor', 'large', 'web')
    assert code == 1
    assert f'{answer[1]["faultstring"]} (HTTP {answer[0]}) (Request-ID: req-1)' in said


@pytest.mark.parametrize(('args', 'words'), [(['--flavor', 'huge', 'web'], 'Unable to locate huge in flavors'), (['--flavor', 'large', 'nonesuch'], 'nonesuch')])
def test_asks_for_nothing_where_a_name_is_unknown(openstack, cloud, args, words):
    code, said = openstack('loadbalancer', 'resize', *args)
    assert code == 1
    assert words in said
    assert cloud.resizes() == []


def test_needs_a_flavor(openstack, cloud):
    with pytest.raises(SystemExit):
        openstack('loadbalancer', 'resize', 'web')
    assert cloud.requests == []
