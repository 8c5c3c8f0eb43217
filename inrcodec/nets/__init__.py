"""Networks: the value of every grid point, given weights."""

from inrcodec.nets.asmr import Asmr as Asmr
from inrcodec.nets.base import TensorSpec as TensorSpec
from inrcodec.nets.siren import Siren as Siren

Net = Siren | Asmr
