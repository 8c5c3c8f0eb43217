"""Networks: the value of every grid point, given weights."""

from inrcodec.nets.asmr import Asmr as Asmr
from inrcodec.nets.base import TensorSpec as TensorSpec
from inrcodec.nets.local_global import LocalGlobal as LocalGlobal
from inrcodec.nets.siren import Siren as Siren

# Networks whose rows can be taken one by one.
RowNet = Siren | Asmr
Net = RowNet | LocalGlobal
