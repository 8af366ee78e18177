"""One module a topic: START, the weights the programs start from, BATCHES, their inputs, and cases(), the programs and what Keras
gives for them in its present floatx."""
