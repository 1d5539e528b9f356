"""A typed client of the Machines API; the local platform and Fly answer it alike."""

from flylab.client.client import Client as Client
from flylab.client.retry import DEFAULT as DEFAULT
from flylab.client.retry import RetryPolicy as RetryPolicy
