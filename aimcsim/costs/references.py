"""Every publication and data set that a number in this package is taken from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A work one can look up. `doi` is empty for what has none."""

    citation: str
    doi: str = ""


REFERENCES: dict[str, Reference] = {
    "isaac16": Reference(
        "A. Shafiee et al., ISAAC: A Convolutional Neural Network Accelerator with In-Situ Analog Arithmetic in "
        "Crossbars, ISCA 2016",
        "10.1145/3007787.3001139",
    ),
    "hermes22": Reference(
        "R. Khaddam-Aljameh et al., HERMES-Core: A 1.59-TOPS/mm2 PCM on 14-nm CMOS In-Memory Compute Core Using "
        "300-ps/LSB Linearized CCO-Based ADCs, IEEE Journal of Solid-State Circuits 57(4), 2022",
        "10.1109/JSSC.2022.3140414",
    ),
    "hermes23": Reference(
        "M. Le Gallo et al., A 64-core mixed-signal in-memory compute chip based on phase-change memory for deep "
        "neural network inference, Nature Electronics 6, 2023",
        "10.1038/s41928-023-01010-1",
    ),
    "adc24": Reference(
        "T. Andrulis et al., Modeling Analog-Digital-Converter Energy and Area for Compute-In-Memory Accelerator "
        "Design, arXiv:2404.06553, 2024 (regression over the ADC Performance Survey 1997-2023)",
        "10.48550/arXiv.2404.06553",
    ),
    "cacti7": Reference(
        "R. Balasubramonian et al., CACTI 7: New Tools for Interconnect Exploration in Innovative Off-Chip Memories, "
        "ACM Transactions on Architecture and Code Optimization 14(2), 2017",
        "10.1145/3085572",
    ),
    "aladdin14": Reference(
        "Y. S. Shao et al., Aladdin: A pre-RTL, power-performance accelerator simulator enabling large design space "
        "exploration of customized architectures, ISCA 2014 (its 40 nm operator library)",
        "10.1109/ISCA.2014.6853196",
    ),
    "horowitz14": Reference(
        "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014",
        "10.1109/ISSCC.2014.6757323",
    ),
    "noxim": Reference(
        "V. Catania et al., Noxim: An open, extensible and cycle-accurate network on chip simulator, ASAP 2015 "
        "(the energies of its power.yaml, which states no node)",
        "10.1109/ASAP.2015.7245728",
    ),
    "hwcomponents": Reference(
        "Accelergy project, hwcomponents 1.0.114 and its libraries (Python packages); off-chip memories from the table "
        "of hwcomponents-cacti 1.0.40"
    ),
    "stillmaker17": Reference(
        "A. Stillmaker and B. Baas, Scaling equations for the accurate prediction of CMOS device performance from 180 "
        "nm to 7 nm, Integration, the VLSI Journal 58, 2017",
        "10.1016/j.vlsi.2017.02.002",
    ),
    "jouppi21": Reference(
        "N. P. Jouppi et al., Ten Lessons From Three Generations Shaped Google's TPUv4i, ISCA 2021",
        "10.1109/ISCA52012.2021.00010",
    ),
    "oconnor17": Reference(
        "M. O'Connor et al., Fine-Grained DRAM: Energy-Efficient DRAM for Extreme Bandwidth Systems, MICRO 2017",
        "10.1145/3123939.3124545",
    ),
    "puma19": Reference(
        "A. Ankit et al., PUMA: A Programmable Ultra-efficient Memristor-based Accelerator for Machine Learning "
        "Inference, ASPLOS 2019",
        "10.1145/3297858.3304049",
    ),
    "pumasim": Reference(
        "PUMA authors, PUMAsim and its compiler, https://github.com/Aayush-Ankit/puma-simulator: constants and runs"
    ),
    "ambrogio23": Reference(
        "S. Ambrogio et al., An analog-AI chip for energy-efficient speech recognition and transcription, Nature 620, "
        "2023",
        "10.1038/s41586-023-06337-5",
    ),
    "jain23": Reference(
        "S. Jain et al., A Heterogeneous and Programmable Compute-In-Memory Accelerator Architecture for Analog-AI "
        "Using Dense 2-D Mesh, IEEE Transactions on VLSI Systems 31(1), 2023",
        "10.1109/TVLSI.2022.3221390",
    ),
    "buechel25": Reference(
        "J. Buechel et al., Efficient scaling of large language models with mixture of experts and 3D analog in-memory "
        "computing, Nature Computational Science 5, 2025",
        "10.1038/s43588-024-00753-x",
    ),
    "sim3d": Reference(
        "IBM, 3D-CiM-LLM-Inference-Simulator, https://github.com/IBM/3D-CiM-LLM-Inference-Simulator: runs"
    ),
    "wan22": Reference(
        "W. Wan et al., A compute-in-memory chip based on resistive random-access memory, Nature 608, 2022",
        "10.1038/s41586-022-04992-8",
    ),
    "garofalo22": Reference(
        "A. Garofalo et al., A Heterogeneous In-Memory Computing Cluster for Flexible End-to-End Inference of "
        "Real-World Deep Neural Networks, IEEE Journal on Emerging and Selected Topics in Circuits and Systems 12(2), "
        "2022",
        "10.1109/JETCAS.2022.3170152",
    ),
    "bruschi23": Reference(
        "N. Bruschi et al., End-to-End DNN Inference on a Massively Parallel Analog In Memory Computing Architecture, "
        "DATE 2023",
    ),
    "leroux25": Reference(
        "N. Leroux et al., Analog in-memory computing attention mechanism for fast and energy-efficient large language "
        "models, Nature Computational Science 5, 2025",
    ),
    "joshi20": Reference(
        "V. Joshi et al., Accurate deep neural network inference using computational phase-change memory, Nature "
        "Communications 11, 2020",
        "10.1038/s41467-020-16108-9",
    ),
    "aimcsim": Reference("An assumption of this project; the reason stands beside the number"),
}
"""Key of a `Source` -> the work."""
