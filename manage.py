#!/usr/bin/env python
from omniroute.__main__ import main

if __name__ == "__main__":
    main()
