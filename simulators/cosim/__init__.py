"""The simulators that mosaik coordinates: few, each with one entity whose attributes are arrays.

mosaik's scheduler costs grow with the square of the number of simulators and per entity; arrays cost nothing.
"""
