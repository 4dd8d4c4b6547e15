"""Turns outputs and goldens into outcomes, and outcomes and expectations into judgements."""
