#include "vmic_reader.h"
