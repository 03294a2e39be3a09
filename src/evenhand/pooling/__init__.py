"""Customers who share counts, never rows: cubes fit to leave the house, and what comes back of all of them."""

from evenhand.pooling.pooling import pool
from evenhand.pooling.result import Customer, Pooled, PooledGroup, UsualGroup
from evenhand.pooling.sharing import share_cube

__all__ = ["Customer", "Pooled", "PooledGroup", "UsualGroup", "pool", "share_cube"]
