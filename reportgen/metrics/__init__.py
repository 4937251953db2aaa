"""Numbers about how well a map explains its network, and what they say about layers and methods.

==================  =======================================================================
`common`            raw maps as masks over the input; scoring many inputs in batches
`confidence`        average drop and increase in confidence (Chattopadhay et al., 2018)
`perturbation`      insertion and deletion curves (Petsiuk et al., 2018)
`imputation`, `road`  ROAD: remove and debias (Rong et al., 2022)
`shape`             complexity, coherency and their harmonic mean (Poppi et al., 2021)
`cost`              forward passes that all of these need, before any is made
`ranking`           layers and methods compared over a run; knows neither torch nor networks
==================  =======================================================================

The network comes in as a function from inputs to the probability of the target, so that none of
these modules depends on how a network is loaded or a map is made.
"""
