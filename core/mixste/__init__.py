"""The MixSTE network, its models and what runs them."""
