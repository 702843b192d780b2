"""What a user of openstacksdk does with a load balancer, from its creation to its deletion; asserts as it goes, and says each step."""

import sys

import openstack
from openstack import exceptions

from reflavor_openstack.sdk import add_resize

url, token = sys.argv[1:]
conn = add_resize(openstack.connect(auth_type='admin_token', auth={'endpoint': url, 'token': token}))
lbaas = conn.load_balancer


def at_rest(lb):
    return lbaas.wait_for_load_balancer(lb.id, interval=0.3, wait=60)


def names(things):
    return sorted(thing.name for thing in things)


assert [provider.name for provider in lbaas.providers()] == ['amphora']
assert names(lbaas.flavor_profiles()) == ['large', 'large-ha', 'small', 'small-ha']
profile = lbaas.create_flavor_profile(name='medium', provider_name='amphora', flavor_data='{"loadbalancer_topology": "SINGLE"}')
flavor = lbaas.create_flavor(name='medium', flavor_profile_id=profile.id, is_enabled=True)
assert 'medium' in names(lbaas.flavors())
lbaas.delete_flavor(flavor)
lbaas.delete_flavor_profile(profile)
small, large = (lbaas.find_flavor(name, ignore_missing=False) for name in ('small', 'large'))
print('flavors')

# A whole tree at once.
lb = lbaas.create_load_balancer(
    name='web',
    flavor_id=small.id,
    listeners=[
        {
            'name': 'http',
            'protocol': 'HTTP',
            'protocol_port': 80,
            'default_pool': {
                'name': 'shop',
                'protocol': 'HTTP',
                'lb_algorithm': 'ROUND_ROBIN',
                'members': [{'name': 'one', 'address': '192.0.2.1', 'protocol_port': 80}],
                'healthmonitor': {'type': 'HTTP', 'delay': 5, 'timeout': 2, 'max_retries': 2},
            },
        }
    ],
)
assert lb.provisioning_status == 'PENDING_CREATE'
lb = at_rest(lb)
assert (lb.operating_status, lb.flavor_id) == ('ONLINE', small.id)
(listener,), (pool,) = lbaas.listeners(), lbaas.pools()
assert listener.default_pool_id == pool.id
(member,) = lbaas.members(pool)
(monitor,) = lbaas.health_monitors()
print('create')

policy = lbaas.create_l7_policy(name='docs', listener_id=listener.id, action='REDIRECT_TO_URL', redirect_url='http://docs.example.org/')
at_rest(lb)
rule = lbaas.create_l7_rule(policy, type='PATH', compare_type='STARTS_WITH', value='/docs')
at_rest(lb)
lbaas.update_listener(listener, connection_limit=100)
at_rest(lb)
lbaas.update_member(member, pool, weight=7)
at_rest(lb)
lbaas.update_health_monitor(monitor, delay=9)
at_rest(lb)
assert lbaas.get_listener(listener.id).connection_limit == 100
assert lbaas.get_member(member.id, pool).weight == 7
assert lbaas.get_health_monitor(monitor.id).delay == 9
assert lbaas.get_l7_rule(rule.id, policy).rule_value == '/docs'
assert lbaas.get_load_balancer_statistics(lb.id).active_connections >= 0
print('edit')

(before,) = lbaas.amphorae(loadbalancer_id=lb.id)
lbaas.failover_load_balancer(lb)
assert lbaas.get_load_balancer(lb.id).provisioning_status == 'PENDING_UPDATE'
at_rest(lb)
# The old one may still be going.
allocated = [amphora.id for amphora in lbaas.amphorae(loadbalancer_id=lb.id) if amphora.status == 'ALLOCATED']
assert len(allocated) == 1 and before.id not in allocated
print('failover')

assert lbaas.resize_load_balancer(lb, large).provisioning_status == 'PENDING_UPDATE'
assert at_rest(lb).flavor_id == large.id
for wanted, words in (('retired', 'disabled'), ('large-ha', 'topology')):
    try:
        lbaas.resize_load_balancer('web', wanted)
        raise AssertionError(f'{wanted} was not refused')
    except exceptions.BadRequestException as refusal:
        assert words in str(refusal) and 'large stays in force' in str(refusal), refusal
print('resize')

lbaas.delete_l7_rule(rule, policy)
at_rest(lb)
lbaas.delete_load_balancer(lb, cascade=True)
lbaas.wait_for_delete(lb, interval=0.3, wait=60)
print('delete')
