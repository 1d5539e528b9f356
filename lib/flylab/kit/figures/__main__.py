"""``python -m flylab.kit.figures FOLDER`` writes the gallery."""

import sys

from flylab.kit.figures.gallery import main

sys.exit(main())
