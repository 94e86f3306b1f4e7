"""The translator's test bench: what is meant on one side, does it arrive on the other?"""
