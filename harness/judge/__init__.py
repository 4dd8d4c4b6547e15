"""From outputs and goldens to outcomes, and from outcomes and expectations to judgements."""
