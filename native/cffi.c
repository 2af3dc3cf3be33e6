#include "vmic.h"
