"""Models held against behaviour: yes or no, by age, item and property."""
