"""How often the split decision errs and what it costs, beside fixed-N rules. No test is in it."""
