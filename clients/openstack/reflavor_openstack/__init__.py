"""Resizing of load balancers for the clients of OpenStack's Octavia.

Importing this changes nothing: ``command`` is the command ``openstack loadbalancer resize``, ``sdk`` what openstacksdk lacks.
"""
